import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ApprovalRequest, approvalSigner } from '@gatewright/runtime'
import { type CryptoKey, exportJWK, generateKeyPair } from 'jose'
import { expect, test } from 'vitest'
import { httpServer } from './http-server.ts'
import { openPlace, start } from './proxied.ts'
import { schema, served, text } from './server.ts'

const MAIL = { to: 'robin@acme.example', body: 'Tea at four.' }

/** The first request that waits in a directory. */
async function waiting(directory: string): Promise<{ file: string; request: ApprovalRequest }> {
  const requests = async (): Promise<string[]> =>
    (await readdir(directory)).filter((one) => one.endsWith('.json'))
  await expect.poll(requests).not.toEqual([])
  const [name = ''] = await requests()
  const request = JSON.parse(await readFile(join(directory, name), 'utf8')) as ApprovalRequest
  return { file: join(directory, name.replace(/json$/, 'jws')), request }
}

test('a call that needs a person waits for their signature, and takes no other, behind an upstream over HTTP', async () => {
  const desk = served([{ name: 'send_mail', inputSchema: schema('to', 'body') }], () => text('sent'))
  await using upstream = await httpServer(desk)
  const robin = await generateKeyPair('Ed25519', { extractable: true })
  const nobody = await generateKeyPair('Ed25519', { extractable: true })
  await using place = await openPlace({
    mcpServers: { desk: { url: upstream.url.href } },
    pins: 'pins.json',
    approvals: {
      directory: 'approvals',
      approvers: [{ id: 'user:robin', key: await exportJWK(robin.publicKey) }],
    },
  })
  const contracts = join(place.directory, 'contracts.mjs')
  const example = join(import.meta.dirname, '..', '..', 'examples', 'mcp-proxy', 'src', 'contracts.ts')
  await writeFile(
    contracts,
    `import { contracts as all } from ${JSON.stringify(example)}\nexport const contracts = { desk: { send_mail: all.desk.send_mail } }\n`,
  )
  const settings = JSON.parse(await readFile(place.config, 'utf8')) as object
  await writeFile(place.config, JSON.stringify({ ...settings, contracts, policy: example }))
  const pins = join(place.directory, 'pins.json')
  expect((await place.run(['mcp', 'pin', '--config', place.config, '--pins', pins])).code).toBe(0)
  await using agent = await start(2, place.proxy)
  const directory = join(place.directory, 'approvals')
  const answer = async (privateKey: CryptoKey, decision: 'approve' | 'reject'): Promise<void> => {
    const { file, request } = await waiting(directory)
    const sign = approvalSigner({ approver: 'user:robin', privateKey, now: () => new Date() })
    await writeFile(file, await sign(request, decision))
  }
  const forged = agent.call('desk_send_mail', MAIL)
  await answer(nobody.privateKey, 'approve')
  expect((await forged).isError).toBe(true)
  expect(desk.calls).toEqual([])

  const asked = agent.call('desk_send_mail', { ...MAIL, body: 'Tea at five.' })
  await answer(robin.privateKey, 'approve')
  expect((await asked).isError ?? false).toBe(false)
  expect(desk.calls).toEqual([{ name: 'send_mail', args: { ...MAIL, body: 'Tea at five.' } }])
  expect(await readdir(directory)).toEqual([])
})
