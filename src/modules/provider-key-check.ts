/**
 * Checks a customer's own key at its provider.
 * @throws OneVaultError provider_key_refused if the provider does not accept it; invalid_request if the address is not
 * allowed; otherwise the reason why the check is not possible, as provider_unreachable
 */
export type ProviderKeyCheck = (wanted: {
  readonly provider: string;
  readonly api_key: string;
  /** The customer's own endpoint; null for the provider's. */
  readonly base_url: string | null;
}) => Promise<void>;
