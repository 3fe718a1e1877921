/** Characters of the shortest bare number. */
const SHORTEST = 5

/**
 * An IBAN or a bare account number, without spaces and hyphens, in upper case.
 *
 * Equality is what counts, so the check digits (ISO 13616) are not judged: made-up IBANs are common in tests,
 * and a wrong one is the bank's to refuse. A bare number has five digits or more; a date is none.
 */
export function readAccount(text: string): string | undefined {
  if (
    text.length < SHORTEST ||
    text.length > 60 ||
    !/^[A-Za-z0-9](?:[A-Za-z0-9]|[ \u00a0-](?=[A-Za-z0-9]))*$/.test(text)
  )
    return undefined
  if (/^\d{4}-\d{2}-\d{2}$|^\d{1,2}-\d{1,2}-\d{4}$/.test(text)) return undefined
  const compact = text.replace(/[ \u00a0-]/g, '').toUpperCase()
  if (compact.length > 34) return undefined
  return /^[A-Z]{2}\d{2}[A-Z0-9]{6,30}$/.test(compact) || /^\d{5,34}$/.test(compact) ? compact : undefined
}
