import type { LogSpan } from './log-span.ts'

/*
 * Lists of the log are planned once, without their values, and then run with any: planning took
 * most of their time, 3 to 8 ms for 38 days, and takes none now. Planned for their values they knew
 * the days of a page that has bounds, but a page without any, or a filter that nothing fits, has
 * all days planned. What the planner must know all the same is in the text, by these conditions,
 * which change no result.
 */

/**
 * That an id is in the span: else the default partition might be needed, which has no place in the
 * order of days. Bounds in values only tell which days to look at when it runs.
 */
export function inDays(id: string, { newerThan, olderThan }: LogSpan): string {
  return `${id} > '${newerThan}' and ${id} < '${olderThan}'`
}

/**
 * That a column has the value by which its index was chosen. Of two event types each seems as
 * common as the workspace itself, and its index no better: 25 ms among 600,000. A range that is not
 * known seems rare.
 */
export function has(column: string, value: string): string {
  return `${column} = ${value} and ${column} between ${value} and ${value}`
}
