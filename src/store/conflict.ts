/** Whether a statement failed because this unique constraint or index holds such a row already. */
export function violates(error: unknown, constraint: string): boolean {
  if (!(error instanceof Error)) return false
  const found = 'constraint' in error && error.constraint === constraint
  return found || violates(error.cause, constraint)
}

/** Whether a statement was ended because it and another waited for each other. */
export function lostADeadlock(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '40P01'
}

/*
 * The feed goes by transaction ids, and a transaction gets its own before it waits for a delivery
 * that it is to change. A younger one may have that delivery first; the feed would then show the
 * earlier change last, and stop at a status that is none any more. So a statement that changes
 * deliveries looks who changed each before: where that was a younger one (`age(old.xmin) < 0`), it
 * divides by zero, as SQL has no other way to fail, and is done again with a new id. What a person
 * changes is locked before anything else, so its id is young enough.
 */

/**
 * Whether a statement failed because somebody else was first: a younger transaction with the same
 * delivery, or another publish with the same idempotency key.
 */
export function gaveWay(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '22012'
}

/** Does it again as long as it is overtaken. Each time must be a transaction of its own. */
export async function againIfOvertaken<Result>(run: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await run()
    } catch (error) {
      if (!gaveWay(error)) throw error
    }
  }
}
