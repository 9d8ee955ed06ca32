/** A dead process's lanes run elsewhere after so long at most: its lease, and looking for it. */
export const takeoverMsMax = 15_000
/** Deliveries go on so long after their database came back. */
export const resumeMsMax = 10_000
/** No caller waits longer for an answer that says no, and a little for a busy machine. */
export const refusalMsMax = 5_000 + 500
/** Polls stand behind every hint: one that is lost costs no more. */
export const pollMsMax = 1_000
/** What is under way may take so long to end when a process is told to stop. */
export const drainMsMax = 20_000 + 2_000
