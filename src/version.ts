import packageJson from '../package.json' with { type: 'json' }

export const version = packageJson.version

/** Sent with every request, so that a receiver can tell where it comes from. */
export const userAgent = `Postrider/${version}`
