/** The values of an enum in the schema, each with its meaning. */
export function valuesOf<Name extends string>(descriptions: Readonly<Record<Name, string>>) {
  const entries = Object.entries<string>(descriptions)
  return Object.fromEntries(
    entries.map(([name, description]) => [name, { value: name, description }]),
  ) as Record<Name, { value: Name; description: string }>
}
