import type { IncomingMessage } from 'node:http';

const MAPPED_IPV4 = '::ffff:';

/** The address that a request comes from, an IPv4 address in its own form. */
export const clientAddress = (request: IncomingMessage): string => {
  const address = request.socket.remoteAddress ?? '';
  return address.startsWith(MAPPED_IPV4) ? address.slice(MAPPED_IPV4.length) : address;
};
