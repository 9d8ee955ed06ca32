/** What can be said of a thing, by the names of the public API; no secrets. */
export type Facts = Readonly<Record<string, unknown>>

/** A change of facts, each side with the fields that differ. */
export type FactsChange = { readonly before: Facts; readonly after: Facts }

/** What is not the same any more, or undefined where everything is. Compared as JSON. */
export function factsChange(before: Facts, after: Facts): FactsChange | undefined {
  const names = Object.keys({ ...before, ...after }).filter((name) => {
    return JSON.stringify(before[name]) !== JSON.stringify(after[name])
  })
  if (names.length === 0) return undefined
  return { before: pick(before, names), after: pick(after, names) }
}

/** JSON knows no undefined: what is not there is null. */
function pick(facts: Facts, names: readonly string[]): Facts {
  return Object.fromEntries(names.map((name) => [name, facts[name] ?? null]))
}
