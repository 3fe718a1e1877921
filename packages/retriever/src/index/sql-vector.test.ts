import fc from 'fast-check'
import { expect, test } from 'vitest'
import { vectorBytes, vectorText } from './sql-vector.ts'

const read = (text: string): number[] => JSON.parse(text) as number[]

test('a vector of any length is kept with the length one, and in its direction', () => {
  const vectors = fc.array(fc.double({ noNaN: true, min: -1e300, max: 1e300 }), {
    minLength: 1,
    maxLength: 20,
  })
  fc.assert(
    fc.property(vectors, (vector) => {
      const made = read(vectorText(vector))
      expect(made.length).toBe(vector.length)
      const largest = Math.max(...vector.map(Math.abs))
      if (largest === 0) {
        expect(made.every((one) => one === 0)).toBe(true)
        return
      }
      expect(Math.hypot(...made)).toBeCloseTo(1, 5)
      made.forEach((one, at) => {
        if (Math.abs((vector[at] as number) / largest) > 1e-9)
          expect(Math.sign(one)).toBe(Math.sign(vector[at] as number))
      })
    }),
  )
})

test('a vector that is of length one already is kept as it is', () => {
  const vector = [0.6, -0.8, 0]
  expect(vectorText(vector)).toBe('[0.6,-0.8,0]')
})

test('the bytes of a vector say what its text says', () => {
  const vectors = fc.array(fc.double({ noNaN: true, min: -1e300, max: 1e300 }), {
    minLength: 1,
    maxLength: 20,
  })
  fc.assert(
    fc.property(vectors, (vector) => {
      const bytes = vectorBytes(vector)
      expect([bytes.readUInt16BE(0), bytes.readUInt16BE(2)]).toEqual([vector.length, 0])
      expect(bytes.length).toBe(4 + 4 * vector.length)
      // -0 has no sign as text.
      const held = vector.map((_, at) => bytes.readFloatBE(4 + 4 * at) + 0)
      expect(held).toEqual(read(vectorText(vector)).map((one) => Math.fround(one) + 0))
    }),
  )
})
