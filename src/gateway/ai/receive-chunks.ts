import type { UpstreamResponse } from '../../providers/contract.ts';
import type { Call } from '../call.ts';
import type { GatewayDeps } from '../deps.ts';
import type { ChunkStream } from './operation.ts';

/**
 * Sends chunks of bytes to the client as they come, as fast as the client reads.
 * @throws OneVaultError the fault that broke the stream
 */
export const receiveChunks = async (
  { clock }: GatewayDeps,
  call: Call,
  stream: ChunkStream,
  response: UpstreamResponse,
): Promise<void> => {
  call.encoder = stream;
  const take = (chunks: readonly Uint8Array[]): Promise<void> | null => {
    let room: Promise<void> | null = null;
    for (const chunk of chunks) {
      stream.push(chunk);
      call.time_to_first_token_ms ??= Math.max(0, clock.now() - call.received_ms);
      room = call.client_response.write(chunk, stream.content_type);
    }
    return room;
  };
  await response.eachChunk(take);
  stream.end();
  call.usage = stream.usage;
};
