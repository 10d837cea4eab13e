import type { ControlRoute } from '../../resources/serving/control-route.ts';
import type { ControlDeps } from '../deps.ts';
import { getEntity, getHistory, listEntities } from './vault.ts';

export const VAULT_ROUTES: readonly ControlRoute<ControlDeps>[] = [listEntities, getEntity, getHistory];
