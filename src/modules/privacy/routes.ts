import type { ControlRoute } from '../../resources/serving/control-route.ts';
import type { ControlDeps } from '../deps.ts';
import { getContact, getContactHistory, putContact } from './contacts.ts';
import { getErasureProof } from './erasure-proof.ts';
import { getErasure, getExport, postErasure } from './privacy-routes.ts';

export const PRIVACY_ROUTES: readonly ControlRoute<ControlDeps>[] = [
  putContact,
  getContact,
  getContactHistory,
  postErasure,
  getErasure,
  getErasureProof,
  getExport,
];
