import { laneBufferBytesMax, laneBufferMax, pageSizeMin } from '../limits.ts'
import { uuidTime } from '../rules/id.ts'
import { dueStart, type DueDelivery, type DueKey, type PageWish } from '../store/due.ts'
import type { Page } from './load.ts'

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
  /** Waiting, in flight or being recorded, with the length of its payload. */
  readonly #known = new Map<string, number>()
  #knownBytes = 0
  #cursor: DueKey = dueStart
  #isComplete = false
  /** Counts hints, so that one that comes during a read is not lost to it. */
  #hints = 0
  #reading: Reading | null = null
  #readAtMs = -Infinity

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
   * has been seen: otherwise it would overtake what waits in the table. A read that ended after it
   * was made may have shown it: then the table is read again.
   */
  offer(due: DueDelivery): void {
    const isNews = this.#isComplete && uuidTime(due.deliveryId) > this.#readAtMs
    const hasRoom = this.#room > 0 && this.#knownBytes < laneBufferBytesMax
    if (isNews && hasRoom && this.#isNew(due)) this.#hold(due)
    else this.hint()
  }

  /** Takes the first for an attempt. It is known until it has ended. */
  take(): DueDelivery | undefined {
    return this.#waiting.shift()
  }

  /** Its attempt is stored. */
  ended({ deliveryId }: DueDelivery): void {
    this.#forget(deliveryId)
    this.#reading?.ended.add(deliveryId)
  }

  /** Forgets what waits. It is read again, and a page that is on its way is not believed. */
  drop(): void {
    for (const { deliveryId } of this.#waiting) this.#forget(deliveryId)
    this.#waiting = []
    this.#cursor = dueStart
    this.#reading = null
    this.hint()
  }

  /** Whether reading is worth a statement, for a lane that may have `inFlightMax` requests out. */
  wantsMore(inFlightMax: number): boolean {
    if (this.#isComplete || this.#reading || this.#waiting.length >= inFlightMax) return false
    const hasBytes = this.#knownBytes < laneBufferBytesMax
    return this.#known.size === 0 || (this.#room >= pageSizeMin && hasBytes)
  }

  /** From the start the rows that are known come again, so the page has room for them too. */
  startReading(): { readonly wish: PageWish; readonly reading: Reading } {
    const after = this.#cursor
    const fromStart = after === dueStart
    const rowsMax = this.#room + (fromStart ? this.#known.size : 0)
    const payloadBytesMax = laneBufferBytesMax - (fromStart ? 0 : this.#knownBytes)
    const reading = { fromStart, hints: this.#hints, ended: new Set<string>() }
    this.#reading = reading
    return { wish: { ...this.#lane, after, rowsMax, payloadBytesMax }, reading }
  }

  /**
   * Takes what is new. Only a short page read from the start says that there is no more: what was
   * committed late may lie before the cursor, and a hint that came during the read may be about
   * what it missed.
   */
  endReading({ rows, isFull }: Page, { reading, atMs }: { reading: Reading; atMs: number }): void {
    if (this.#reading !== reading) return
    for (const due of rows) if (this.#isNew(due)) this.#hold(due)
    const last = rows.at(-1)
    this.#cursor = isFull && last ? last : dueStart
    this.#isComplete = !isFull && reading.fromStart && reading.hints === this.#hints
    this.#readAtMs = atMs
    this.#reading = null
  }

  /** The read failed: nothing is known of what it would have shown. */
  giveUpReading(reading: Reading): void {
    if (this.#reading === reading) this.#reading = null
  }

  get #room(): number {
    return laneBufferMax - this.#known.size
  }

  #isNew({ deliveryId }: DueDelivery): boolean {
    return !this.#known.has(deliveryId) && !this.#reading?.ended.has(deliveryId)
  }

  /** Into its place: what was committed late, or is due in a moment, holds nobody back. */
  #hold(due: DueDelivery): void {
    const bytes = due.payloadText?.length ?? 0
    this.#known.set(due.deliveryId, bytes)
    this.#knownBytes += bytes
    this.#waiting.splice(this.#waiting.findLastIndex((other) => isBefore(other, due)) + 1, 0, due)
  }

  #forget(deliveryId: string): void {
    this.#knownBytes -= this.#known.get(deliveryId) ?? 0
    this.#known.delete(deliveryId)
  }
}

function isBefore(a: DueKey, b: DueKey): boolean {
  const apartMs = a.dueAt.getTime() - b.dueAt.getTime()
  return apartMs < 0 || (apartMs === 0 && a.deliveryId < b.deliveryId)
}
