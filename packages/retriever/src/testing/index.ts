export {
  describePermissions,
  type OpenedPermissions,
  type PermissionsUnderTest,
  type PermissionTestApi,
  type PermissionWorld,
  type WorldDocument,
} from './describe-permissions.ts'
export { describeIndex, type IndexTestApi, type IndexUnderTest } from './describe-index.ts'
