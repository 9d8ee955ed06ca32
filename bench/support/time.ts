/** A clock that all processes of this machine share, in ms with µs behind the point. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
