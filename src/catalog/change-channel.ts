/** PostgreSQL's channel on which gateways hear that the vault's reference data has changed. */
export const CHANGE_CHANNEL = 'onevault_change';
