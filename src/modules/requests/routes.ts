import { OPEN_OBJECT } from '../../http/schemas.ts';
import type { ControlRoute } from '../../resources/serving/control-route.ts';
import type { ControlDeps } from '../deps.ts';
import { getRequest } from './requests.ts';

export const REQUEST_ROUTES: readonly ControlRoute<ControlDeps>[] = [
  {
    method: 'get',
    plane: 'control',
    path: '/v1/requests/:request_id',
    aliases: ['/requests/:request_id'],
    operation_id: 'request.read',
    summary: 'A call as the vault has it',
    description: 'The id is that of the header x-request-id. Amounts are pico-dollars.',
    permission: 'request.read',
    action: 'request.read',
    subject_kind: 'request',
    subject: 'request_id',
    responses: { 200: { description: 'The call.', schema: { title: 'Request', ...OPEN_OBJECT } } },
    is_sensitive: true,
    serve: getRequest,
  },
];
