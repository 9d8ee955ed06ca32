/** What a command of curl's answered. */
export type CurlAnswer = { readonly status: number; readonly body: string }

/**
 * Does what `curl` would with the options our documents use: `-s`, `-X`, `-H` and `-d`, quoted as
 * in a shell, with variables filled in. The machine that runs the tests may have no curl.
 */
export async function runCurl(
  command: string,
  variables: Readonly<Record<string, string>>,
): Promise<CurlAnswer> {
  const [program, ...words] = wordsOf(command.replaceAll('\\\n', ' '), variables)
  if (program !== 'curl') throw new Error(`Not a command of curl's: ${command}`)
  let [url, method, body]: [string?, string?, string?] = []
  const headers = new Headers()
  const rest = words.values()
  for (const word of rest) {
    const value = () => rest.next().value ?? ''
    if (word === '-s') continue
    else if (word === '-X') method = value()
    else if (word === '-d') body = value()
    else if (word === '-H') headers.append(...headerOf(value()))
    else if (word.startsWith('-')) throw new Error(`curl's ${word} is not known here.`)
    else url = word
  }
  const answer = await fetch(url ?? '', {
    ...{ method: method ?? (body === undefined ? 'GET' : 'POST'), headers },
    ...(body !== undefined && { body }),
  })
  return { status: answer.status, body: await answer.text() }
}

/** Words of a shell: bare, in single quotes as they are, or in double quotes with variables. */
function wordsOf(command: string, variables: Readonly<Record<string, string>>): string[] {
  const fill = (text: string) =>
    text.replace(/\$(\w+)/g, (_all, name: string) => variables[name] ?? '')
  return [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, exact, quoted, bare]) => {
    return exact ?? fill(quoted ?? bare ?? '')
  })
}

function headerOf(line: string): [name: string, value: string] {
  const at = line.indexOf(':')
  return [line.slice(0, at), line.slice(at + 1).trim()]
}
