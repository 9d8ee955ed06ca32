/** Who takes permits. */
export type PermitSeeker = {
  readonly workspaceId: string
  /** Called when a permit is free for it again. */
  readonly seek: () => void
}

/** Of one workspace, in the order in which they found none: those that hold few, and the others. */
export type Waiting = {
  readonly few: ReadonlySet<PermitSeeker>
  readonly more: ReadonlySet<PermitSeeker>
}

/**
 * Seekers that found no permit, the workspaces in turn: the one endpoint of a workspace waits no
 * longer than the first of another one's thousand.
 */
export class PermitLine {
  readonly #byWorkspace = new Map<string, { [Holds in keyof Waiting]: Set<PermitSeeker> }>()
  #fewCount = 0

  get workspaceCount(): number {
    return this.#byWorkspace.size
  }

  /** Those that hold few, of all workspaces. */
  get fewCount(): number {
    return this.#fewCount
  }

  /** Where it stands already it keeps its place. */
  add(seeker: PermitSeeker, holds: keyof Waiting): void {
    const waiting = this.#waitingOf(seeker.workspaceId)
    if (waiting[holds].has(seeker)) return
    this.delete(seeker)
    waiting[holds].add(seeker)
    if (holds === 'few') this.#fewCount += 1
  }

  /** Whether it stands among those that hold more than few. */
  holdsMore(seeker: PermitSeeker): boolean {
    return this.#byWorkspace.get(seeker.workspaceId)?.more.has(seeker) ?? false
  }

  /** From the one whose turn it is on. */
  *workspaces(): Iterable<[string, Waiting]> {
    for (const entry of this.#byWorkspace) {
      const [workspaceId, { few, more }] = entry
      if (few.size + more.size > 0) yield entry
      else this.#byWorkspace.delete(workspaceId)
    }
  }

  /** False: it does not stand here. */
  delete(seeker: PermitSeeker): boolean {
    const waiting = this.#byWorkspace.get(seeker.workspaceId)
    if (waiting?.more.delete(seeker)) return true
    if (!waiting?.few.delete(seeker)) return false
    this.#fewCount -= 1
    return true
  }

  /** It had its turn, and goes to the end. */
  endTurn(workspaceId: string): void {
    const waiting = this.#byWorkspace.get(workspaceId)
    if (!waiting) return
    this.#byWorkspace.delete(workspaceId)
    this.#byWorkspace.set(workspaceId, waiting)
  }

  #waitingOf(workspaceId: string) {
    const known = this.#byWorkspace.get(workspaceId)
    if (known) return known
    const waiting = { few: new Set<PermitSeeker>(), more: new Set<PermitSeeker>() }
    this.#byWorkspace.set(workspaceId, waiting)
    return waiting
  }
}
