/** What OpenSSL and Node call a failed handshake, in words for the endpoint's owner. */
const messages: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'Certificate has expired',
  CERT_NOT_YET_VALID: 'Certificate is not yet valid',
  CERT_REVOKED: 'Certificate is revoked',
  CERT_REJECTED: 'Certificate is not trusted',
  CERT_UNTRUSTED: 'Certificate is not trusted',
  CERT_SIGNATURE_FAILURE: 'Certificate has a wrong signature',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'Certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'Certificate chain ends in an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT: 'Certificate chain is incomplete',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'Certificate chain is incomplete or of an unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'Certificate chain is incomplete',
  ERR_TLS_CERT_ALTNAME_INVALID: 'Certificate is for another host',
  HOSTNAME_MISMATCH: 'Certificate is for another host',
  ERR_SSL_WRONG_VERSION_NUMBER: 'The receiver does not speak TLS on this port',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'The receiver does not speak TLS on this port',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'The receiver speaks no TLS version from 1.2 on',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'The receiver speaks no TLS version from 1.2 on',
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: 'The receiver does not know this host name',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'The receiver wants a client certificate',
  ECONNRESET: 'Connection closed during the TLS handshake',
}

/** `code` is the error's code; one that is not listed is still a failed handshake. */
export function tlsErrorMessage(code: string): string {
  return messages[code] ?? 'TLS handshake failed'
}
