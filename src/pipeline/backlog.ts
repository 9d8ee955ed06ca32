import {
  laneBufferBytesMax,
  laneBufferMax,
  offerLateMsMax,
  pageBytesMin,
  pageSizeMin,
} from '../limits.ts'
import { uuidTime } from '../rules/id.ts'
import { dueStart, type DueDelivery, type DueKey } from '../store/due.ts'
import type { Page, PageWish } from './load.ts'

/** A row in memory: the length of its payload, and how it came here. */
type Known = { readonly bytes: number; readonly cameBy: 'PAGE' | 'OFFER' }

type Reading = {
  readonly fromStart: boolean
  readonly hints: number
  /** What ended meanwhile: the page may still show it as it was before. */
  readonly ended: Set<string>
}

/**
 * What a lane has in memory of its rows in `due`, in the order of their key, and how far it has
 * read. Rows are not claimed: those in memory are known by their id, so that a page which shows
 * them again adds nothing (D4).
 */
export class Backlog {
  readonly #lane: Pick<PageWish, 'endpointId' | 'workspaceId'>
  #waiting: DueDelivery[] = []
  /** Waiting, in flight or being recorded. */
  readonly #known = new Map<string, Known>()
  #knownBytes = 0
  /** Ended not long after they were made, and read from the table: an offer may still come. */
  readonly #lately = new Set<string>()
  #cursor: DueKey = dueStart
  #isComplete = false
  /** Of a payload on the page read last: the next ones are likely as long. */
  #bytesEach = 1
  /** The last read ended with the table: what it has besides was not due, or is new. */
  #hasSeenEnd = false
  /** Counts hints, so that one that comes during a read is not lost to it. */
  #hints = 0
  #reading: Reading | null = null

  constructor({ endpointId, workspaceId }: Pick<PageWish, 'endpointId' | 'workspaceId'>) {
    this.#lane = { endpointId, workspaceId }
  }

  /** The first that waits. */
  get head(): DueDelivery | undefined {
    return this.#waiting[0]
  }

  /** Those that wait in memory. */
  get size(): number {
    return this.#waiting.length
  }

  /** Taken, and not ended yet. */
  get atWork(): number {
    return this.#known.size - this.#waiting.length
  }

  get isReading(): boolean {
    return this.#reading !== null
  }

  /** The table holds nothing due that is not known. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** The table may hold work that was not seen. */
  hint(): void {
    this.#hints += 1
    this.#isComplete = false
  }

  /**
   * A delivery that was just committed, so that it need not be read. Taken only where all there is
   * has been seen: otherwise it would overtake what waits in the table. A read of what was all does
   * not change that while it lasts: an endpoint with an event now and then, beside a burst of
   * others, would go on reading, each time for what was offered meanwhile. A page may have shown it
   * before its offer came here, and it may even have ended.
   */
  offer(due: DueDelivery): void {
    if (!this.#isNew(due) || this.#lately.has(due.deliveryId)) return
    const hasSeenAll = this.#isComplete || (this.#hasSeenEnd && this.isReading)
    if (hasSeenAll && this.#hasRoom) return this.#hold(due, 'OFFER')
    this.#hasSeenEnd = false
    this.hint()
  }

  /** Takes the first for an attempt. It is known until it has ended. */
  take(): DueDelivery | undefined {
    return this.#waiting.shift()
  }

  /** Its attempt is stored. */
  ended({ deliveryId }: DueDelivery, nowMs: number): void {
    const isYoung = nowMs - uuidTime(deliveryId) < offerLateMsMax
    if (isYoung && this.#known.get(deliveryId)?.cameBy === 'PAGE') this.#remember(deliveryId)
    this.#forget(deliveryId)
    this.#reading?.ended.add(deliveryId)
  }

  /** Forgets what waits. It is read again, and a page that is on its way is not believed. */
  drop(): void {
    for (const { deliveryId } of this.#waiting) this.#forget(deliveryId)
    this.#waiting = []
    this.#cursor = dueStart
    this.#hasSeenEnd = false
    this.#reading = null
    this.hint()
  }

  /** Whether reading is worth a statement, for a lane that may have `inFlightMax` requests out. */
  wantsMore(inFlightMax: number): boolean {
    if (this.#isComplete || this.#reading || this.#waiting.length >= inFlightMax) return false
    const hasBytes = laneBufferBytesMax - this.#knownBytes >= pageBytesMin
    return this.#known.size === 0 || (this.#room >= pageSizeMin && hasBytes)
  }

  /** From the start the rows that are known come again, so the page has room for them too. */
  startReading(): { readonly wish: PageWish; readonly reading: Reading } {
    const after = this.#cursor
    const fromStart = after === dueStart
    const payloadBytesMax = laneBufferBytesMax - (fromStart ? 0 : this.#knownBytes)
    const rowsWithBytes = Math.ceil(payloadBytesMax / this.#bytesEach)
    const rowsMax = Math.min(this.#room + (fromStart ? this.#known.size : 0), rowsWithBytes)
    const reading = { fromStart, hints: this.#hints, ended: new Set<string>() }
    this.#reading = reading
    const isIdle = this.#known.size === 0
    return { wish: { ...this.#lane, after, rowsMax, payloadBytesMax, isIdle }, reading }
  }

  /**
   * Takes what is new, as far as there is room: offers may have come meanwhile. Only a short page
   * read from the start says that there is no more: what was committed late may lie before the
   * cursor, and a hint that came during the read may be about what it missed.
   */
  endReading({ rows, isFull }: Page, reading: Reading): void {
    if (this.#reading !== reading) return
    const fitting = this.#holdFitting(rows)
    const isCut = isFull || fitting < rows.length
    this.#cursor = isCut ? (rows[fitting - 1] ?? this.#cursor) : dueStart
    this.#hasSeenEnd = !isCut
    this.#isComplete = !isCut && reading.fromStart && reading.hints === this.#hints
    this.#reading = null
    this.#bytesEach = bytesOf(rows) / rows.length || 1
  }

  /** Answers how many of a page's first rows are known now. */
  #holdFitting(rows: readonly DueDelivery[]): number {
    for (const [index, due] of rows.entries()) {
      if (!this.#isNew(due)) continue
      if (!this.#hasRoom) return index
      this.#hold(due, 'PAGE')
    }
    return rows.length
  }

  /** The read failed: nothing is known of what it would have shown. */
  giveUpReading(reading: Reading): void {
    if (this.#reading === reading) this.#reading = null
  }

  get #hasRoom(): boolean {
    return this.#room > 0 && this.#knownBytes < laneBufferBytesMax
  }

  get #room(): number {
    return laneBufferMax - this.#known.size
  }

  #isNew({ deliveryId }: DueDelivery): boolean {
    return !this.#known.has(deliveryId) && !this.#reading?.ended.has(deliveryId)
  }

  /** Into its place: what was committed late, or is due in a moment, holds nobody back. */
  #hold(due: DueDelivery, cameBy: Known['cameBy']): void {
    const bytes = bytesOf([due])
    this.#known.set(due.deliveryId, { bytes, cameBy })
    this.#knownBytes += bytes
    this.#waiting.splice(this.#waiting.findLastIndex((other) => isBefore(other, due)) + 1, 0, due)
  }

  #forget(deliveryId: string): void {
    this.#knownBytes -= this.#known.get(deliveryId)?.bytes ?? 0
    this.#known.delete(deliveryId)
  }

  /** As many as a lane may hold: so many at most can have been shown before their offers. */
  #remember(deliveryId: string): void {
    const [oldest] = this.#lately
    if (this.#lately.size >= laneBufferMax && oldest !== undefined) this.#lately.delete(oldest)
    this.#lately.add(deliveryId)
  }
}

function bytesOf(rows: readonly DueDelivery[]): number {
  return rows.reduce((sum, { event }) => sum + (event.payloadText?.length ?? 0), 0)
}

function isBefore(a: DueKey, b: DueKey): boolean {
  const apartMs = a.dueAt.getTime() - b.dueAt.getTime()
  return apartMs < 0 || (apartMs === 0 && a.deliveryId < b.deliveryId)
}
