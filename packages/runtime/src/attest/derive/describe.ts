import { z } from 'zod'

/** What the `derive` tool takes. */
export const DERIVE_INPUT: z.ZodObject<{ expression: z.ZodString }> = z.object({
  expression: z.string().describe('One expression over the results of earlier tool calls.'),
})

/** What a model is told about the `derive` tool. */
export const DERIVE_DESCRIPTION = `Compute a value from results of earlier tool calls, so that it can be used as an argument of another call. Use it for every total, difference, date or choice: a value that you compute yourself may be refused.

Expressions are CEL. results.TOOL[N] is the result of the N-th call of a tool that returned one in this conversation, from 0 (results["my-tool"][0] for a name with dashes). Fields: .field, ["field"]; rows: [0].
Numbers: + - * / abs(x) round(x, places) sum(list) min(list) max(list) min(a, b) max(a, b) count(list). Decimals are exact.
Rows: list.filter(r, TEST), list.pick(r, TEST) for the only row that matches, list.map(r, r.field), list.sort(r, r.field) ascending, first(list), last(list).
TEST compares a field of the row with something that the user said: r.status == "open" && r.total >= 50, date(r.placed) > addDays(today, -30).
Dates: today, date(x), addDays(date, days), daysBetween(from, to). A date comes back as YYYY-MM-DD. addHours(time, hours), addMinutes(time, minutes) for a date with a time of day, from a result or as the user said it: "2024-05-19 12:00".

Name rows of a list by what the user said of them, with pick or filter, and not by position: list.pick(r, r.name == "Rent").amount.

Limits: literals in tests, products and quotients must be the user's own words; each value may be added or subtracted once; one product or quotient, with a literal on one side; no list or map literals, no ternaries, no text made of other text.

Examples:
results.lookup_order[0].total - results.lookup_order[0].refunded
sum(results.list_invoices[0].invoices.filter(i, i.status == "open").map(i, i.amount))
results.list_orders[0].orders.sort(o, o.placed)[0].id
addDays(results.get_invoice[0].issued, 14)
addHours("2024-05-19 12:00", 1)`
