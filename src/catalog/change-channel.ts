/** PostgreSQL's channel that notifies gateways of changes in the vault's reference data. */
export const CHANGE_CHANNEL = 'onevault_change';
