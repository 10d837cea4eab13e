import { connect as connectSocket, type Socket } from 'node:net';
import postgres from 'postgres';
import type { Sql } from '../../src/core/postgres.ts';

/**
 * A connection with TCP_NODELAY. The driver (3.4) sends the data of a COPY and its end in packets of their own, which
 * Nagle's algorithm holds back for the 40 ms that Linux delays an acknowledgement: measured without it, COPY would
 * lose by the driver and not by itself.
 */
export const connectWithoutDelay = (url: string, application_name: string): Sql => {
  const { hostname, port } = new URL(url);
  const options = {
    max: 1,
    onnotice: () => {},
    connection: { application_name, TimeZone: 'UTC' },
    types: { bigint: { to: BIGINT, from: [BIGINT], serialize: String, parse: Number } },
    // The driver's own option, which its types do not know.
    socket: () => openSocket(hostname, Number(port)),
  };
  return postgres(url, options) as unknown as Sql;
};

// PostgreSQL's object id of the type (src/include/catalog/pg_type.dat).
const BIGINT = 20;

const openSocket = (host: string, port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connectSocket({ host, port, noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => resolve(socket.off('error', reject)));
  });
