import type { ControlRoute } from '../../resources/serving/control-route.ts';
import type { ControlDeps } from '../deps.ts';
import { listEntries } from './audit-entries.ts';
import { listEvents } from './audit-events.ts';
import { proveRequest } from './audit-proof.ts';
import { listSigningKeys, proveConsistency, readCheckpoint } from './checkpoints.ts';
import { addCosignatures } from './cosignatures.ts';

export const AUDIT_LOG_ROUTES: readonly ControlRoute<ControlDeps>[] = [
  readCheckpoint,
  listSigningKeys,
  proveConsistency,
  addCosignatures,
  proveRequest,
  listEntries,
  listEvents,
];
