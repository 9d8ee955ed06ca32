import packageJson from '../package.json' with { type: 'json' }

/** The package's own, told at the start and in traces. */
export const version = packageJson.version

/** Sent with every request, so that a receiver can tell where it comes from. */
export const userAgent = `Postrider/${version}`
