import { type ASTNode, Environment, ParseError } from '@marcbachmann/cel-js'
import type { Expression } from './expression.ts'
import { integerOf, literalOf } from './literal.ts'
import { fieldOf, predicate } from './predicate.ts'
import { Refusal } from './refusal.ts'

export const MOST_CHARACTERS = 2_000
export const MOST_NODES = 100

const MOST_ROUNDING_PLACES = 3
const MOST_DAYS = 100_000

// The grammar is CEL's and so is the parser. Evaluation is ours: every read must be counted and labelled, and
// the macros of CEL (which may grow the tree while parsing, hence the slack) would do neither.
const cel = new Environment({ limits: { maxAstNodes: MOST_NODES * 4, maxDepth: MOST_NODES } })

/**
 * The expression that a model wrote, within the bounds that can be judged without values.
 *
 * @throws {Refusal} If it is not CEL, is too large, or uses what is not offered.
 */
export function parse(text: string): Expression {
  if (text.length > MOST_CHARACTERS) throw tooLarge()
  const ast = read(text)
  let [nodes, factors, roundings] = [0, 0, 0]
  for (const node of walk(ast)) {
    nodes += 1
    if (node.op === '*' || node.op === '/') factors += 1
    if (node.op === 'call' ? node.args[0] === 'round' : node.op === 'rcall' && node.args[0] === 'round')
      roundings += 1
  }
  if (nodes > MOST_NODES) throw tooLarge()
  if (factors > 1) throw forbidden('At most one product or quotient is allowed in an expression.')
  if (roundings > 1) throw forbidden('round may be used once in an expression.')
  return expression(ast)
}

function read(text: string): ASTNode {
  try {
    return cel.parse(text).ast
  } catch (error) {
    if (error instanceof ParseError && error.code === 'limit_exceeded') throw tooLarge()
    // Whatever else goes wrong in there (a stack that runs out included), it was not an expression.
    throw new Refusal('syntax', 'The expression is not valid CEL.')
  }
}

function* walk(node: ASTNode): Generator<ASTNode> {
  yield node
  for (const child of childrenOf(node)) yield* walk(child)
}

function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return []
    case '.':
    case '.?':
      return [node.args[0]]
    case 'call':
      return node.args[1]
    case 'rcall':
      return [node.args[1], ...node.args[2]]
    case 'map':
      return node.args.flat()
    case '!_':
    case '-_':
      return [node.args]
    default:
      return node.args
  }
}

function expression(node: ASTNode): Expression {
  const literal = literalOf(node)
  if (literal !== undefined) return { op: 'literal', value: literal }
  switch (node.op) {
    case 'id':
      if (node.args === 'today') return { op: 'today' }
      throw forbidden('Only results and today can be named, and a row inside filter, pick, map and sort.')
    case '.':
      return step(node.args[0], node.args[1])
    case '[]':
      return indexed(node.args[0], node.args[1])
    case '+':
    case '-':
      return {
        op: node.op === '+' ? 'add' : 'subtract',
        left: expression(node.args[0]),
        right: expression(node.args[1]),
      }
    case '*':
    case '/':
      return factor(
        node.op === '*' ? 'multiply' : 'divide',
        expression(node.args[0]),
        expression(node.args[1]),
      )
    case '-_':
      return { op: 'negate', of: expression(node.args) }
    case 'call':
      return call(node.args[0], node.args[1])
    case 'rcall':
      return call(node.args[0], [node.args[1], ...node.args[2]])
    case 'list':
    case 'map':
      throw forbidden('List and map literals are not allowed; read a list of a result.')
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case '&&':
    case '||':
    case '!_':
      throw forbidden('Comparisons are allowed only inside filter and pick.')
    default:
      throw forbidden('The expression uses an operator or a kind of literal that is not offered.')
  }
}

function step(of: ASTNode, key: string): Expression {
  if (of.op === 'id' && of.args === 'results')
    throw forbidden('Name one execution of a tool by its position: results.tool_name[0].')
  return { op: 'step', of: expression(of), step: key }
}

function indexed(of: ASTNode, by: ASTNode): Expression {
  const index = literalOf(by)
  const tool = toolOf(of)
  if (typeof index === 'string' && tool === undefined) return step(of, index)
  const position = integerOf(by, 0, Number.MAX_SAFE_INTEGER)
  if (position === undefined) throw forbidden('An index is a whole number written out, from 0 on.')
  return tool === undefined
    ? { op: 'step', of: expression(of), step: position }
    : { op: 'result', tool, index: position }
}

/** The tool named by `results.tool` or `results["tool"]`. */
function toolOf(node: ASTNode): string | undefined {
  if (node.op !== '.' && node.op !== '[]') return undefined
  const [of, by] = node.args
  if (of.op !== 'id' || of.args !== 'results') return undefined
  const name = typeof by === 'string' ? by : literalOf(by)
  return typeof name === 'string' ? name : undefined
}

function factor(op: 'multiply' | 'divide', left: Expression, right: Expression): Expression {
  if (left.op !== 'literal' && right.op !== 'literal')
    throw forbidden('One operand of a product or quotient must be a literal that the user gave.')
  return { op, left, right }
}

function call(name: string, args: readonly ASTNode[]): Expression {
  const [first, second, third] = args
  if (first === undefined) throw wrongUse()
  const only = (): Expression => {
    if (second !== undefined) throw wrongUse()
    return expression(first)
  }
  switch (name) {
    case 'sum':
    case 'first':
    case 'last':
      return { op: name, of: only() }
    case 'count':
    case 'size':
      return { op: 'count', of: only() }
    case 'abs':
    case 'date':
      return { op: name, of: only() }
    case 'min':
    case 'max':
      if (second === undefined) return { op: name, of: expression(first) }
      return { op: name === 'min' ? 'least' : 'greatest', among: args.map(expression) }
    case 'daysBetween':
      if (second === undefined || third !== undefined) throw wrongUse()
      return { op: 'daysBetween', left: expression(first), right: expression(second) }
    case 'addDays':
    case 'addHours':
    case 'addMinutes':
    case 'round':
      return counted(name, args)
    case 'sort':
      if (second === undefined) return { op: 'sort', of: expression(first), field: [] }
      return perRow(name, args)
    case 'filter':
    case 'pick':
    case 'map':
      return perRow(name, args)
    default:
      throw forbidden('The expression calls a function that is not offered.')
  }
}

function counted(
  name: 'addDays' | 'addHours' | 'addMinutes' | 'round',
  args: readonly ASTNode[],
): Expression {
  const [first, second, third] = args
  if (first === undefined || second === undefined || third !== undefined) throw wrongUse()
  const of = expression(first)
  if (name === 'round') {
    const places = integerOf(second, 0, MOST_ROUNDING_PLACES)
    if (places === undefined)
      throw forbidden('round takes a number of decimal places from 0 to 3, written out.')
    return { op: 'round', of, places }
  }
  const amount = integerOf(second, -MOST_DAYS, MOST_DAYS)
  if (amount === undefined) throw forbidden(`${name} takes a whole number, written out.`)
  if (name === 'addDays') return { op: 'addDays', of, days: amount }
  return { op: 'addTime', of, amount, unit: name === 'addHours' ? 'hour' : 'minute' }
}

function perRow(name: 'filter' | 'pick' | 'map' | 'sort', args: readonly ASTNode[]): Expression {
  const [list, row, body, more] = args
  if (list === undefined || row?.op !== 'id' || body === undefined || more !== undefined) throw wrongUse()
  if (row.args === 'results' || row.args === 'today')
    throw forbidden('A row cannot be named results or today.')
  const of = expression(list)
  if (name === 'filter' || name === 'pick') return { op: name, of, where: predicate(body, row.args) }
  const field = fieldOf(body, row.args)
  if (field === undefined) throw forbidden('map and sort take a field of the row, and nothing computed.')
  return { op: name, of, field }
}

const tooLarge = (): Refusal =>
  new Refusal('too-large', `An expression has at most ${MOST_CHARACTERS} characters and ${MOST_NODES} parts.`)
const forbidden = (message: string): Refusal => new Refusal('forbidden', message)
const wrongUse = (): Refusal =>
  new Refusal('forbidden', 'A function is called with arguments that it does not take.')
