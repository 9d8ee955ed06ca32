/** One promise of the program, taken out of its source. */
export type Mutant = {
  readonly name: string
  /** The experiment that must notice. */
  readonly experiment: string
  readonly edits: readonly Edit[]
}

/** `find` stands exactly once in the file. */
export type Edit = { readonly file: string; readonly find: string; readonly replace: string }

/** Each must turn the checker red: a suite that stays green without a promise does not test it. */
export const mutants: readonly Mutant[] = [
  {
    // Without its second edit the key of `attempt` keeps the promise, by an error again and again.
    name: 'late results are recorded (no fence)',
    experiment: 'R3',
    edits: [
      {
        file: 'src/store/result.ts',
        find: 'and delivery.attempt_count = result.number - 1\n',
        replace: '\n',
      },
      {
        file: 'src/store/result.ts',
        find: 'response_body_truncated\n  from settled\n), changed as (',
        replace: 'response_body_truncated\n  from settled on conflict do nothing\n), changed as (',
      },
    ],
  },
  {
    name: 'a lapsed lease is not noticed',
    experiment: 'R3',
    edits: [
      {
        file: 'src/pipeline/lanes.ts',
        find: 'performance.now() < owned.leaseUntil',
        replace: 'true',
      },
    ],
  },
  {
    name: 'publishing answers before its commit',
    experiment: 'R18',
    edits: [
      {
        file: 'src/pipeline/idempotency.ts',
        find:
          'const storing = insertKeyedPublication(context.pool, publication, keys)\n' +
          '  const isStored = await storing.catch(falseIfRival)\n',
        replace:
          'setTimeout(() => {\n' +
          '    insertKeyedPublication(context.pool, publication, keys).catch(falseIfRival)\n' +
          '  }, 300)\n' +
          '  const isStored = true\n',
      },
      {
        file: 'src/api/graphql/event-publish.ts',
        find: "if (event === null) throw new Error('An event that was published cannot be read.')",
        replace: 'if (event === null) return { id: keys[0]?.id, workspaceId } as StoredEvent',
      },
    ],
  },
  {
    name: 'a key that was used creates another event (no dedupe)',
    experiment: 'R17',
    edits: [
      {
        file: 'src/pipeline/idempotency.ts',
        find: 'return key === null || (first.get(key)?.eventId === eventId && !taken.has(key))',
        replace: 'return true',
      },
    ],
  },
]
