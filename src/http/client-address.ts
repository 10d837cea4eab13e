import type { IncomingMessage } from 'node:http';

const MAPPED_IPV4 = '::ffff:';

/** The address that a request comes from. An IPv4 address has its own form, not the one mapped to IPv6. */
export const clientAddress = (request: IncomingMessage): string => {
  const address = request.socket.remoteAddress ?? '';
  return address.startsWith(MAPPED_IPV4) ? address.slice(MAPPED_IPV4.length) : address;
};
