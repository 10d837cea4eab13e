import { CUSTOMER_HUB, EXPORT_PURPOSES, type Owner } from './entity.ts';
import type { EntityFile, Files, VaultFacts } from './entity-file.ts';

const OWNERS: readonly Owner[] = ['customer', 'person', 'platform'];
const STATES = ['history', 'current', 'rows'];
const SECTION = /^[a-z][a-z0-9_]{0,62}$/;
// Id of the key that seals a person's data. An erasure destroys the key.
const SUBJECT_KEY = 'subject_key_id';

/** The faults of a file's statement about its owner, alone and against the other files. */
export const ownershipFaults = (table: string, file: EntityFile, files: Files): string[] => {
  const facts = file['x-vault'] as VaultFacts | undefined;
  if (facts === undefined) return [];
  const { owner, kind } = facts;
  if (owner === undefined || !OWNERS.includes(owner)) {
    const reason = facts.hubs?.includes(CUSTOMER_HUB) === true ? `, and the table relates ${CUSTOMER_HUB}` : '';
    return [
      `${table}: x-vault.owner is missing${reason}. Decide whose the rows are: ${OWNERS.join(', ')}. ` +
        'Exports, bundles and erasures follow from it.',
    ];
  }
  const faults = kind === 'satellite' ? satelliteFaults(file, files) : keyedFaults(table, facts, files);
  return faults.map((fault) => `${table}: ${fault}`);
};

const keyedFaults = (table: string, facts: VaultFacts, files: Files): string[] => {
  if (facts.owner === 'person') return ['x-vault.owner person belongs to satellites: only they hold personal data'];
  if (facts.owner === 'platform') return [];
  if (facts.kind === 'link') {
    const relates_customer = facts.hubs?.includes(CUSTOMER_HUB) === true;
    return relates_customer ? [] : [`x-vault.owner is customer, so x-vault.hubs must name ${CUSTOMER_HUB}`];
  }
  if (table === CUSTOMER_HUB) return [];
  const owning = [...files.values()].filter(({ 'x-vault': link }) => isOwningLink(link, table));
  if (owning.length === 1) return [];
  return [
    `x-vault.owner is customer, so exactly one link of owner customer must begin with ${table} and relate ` +
      `${CUSTOMER_HUB}; there are ${owning.length}`,
  ];
};

const isOwningLink = (link: VaultFacts | undefined, hub: string): boolean =>
  link?.owner === 'customer' && link.hubs?.[0] === hub && link.hubs.includes(CUSTOMER_HUB);

const satelliteFaults = ({ 'x-vault': facts, properties = {} }: EntityFile, files: Files): string[] => {
  const parent_owner = files.get(facts.parent ?? '')?.['x-vault']?.owner;
  if (parent_owner === 'platform' && facts.owner !== 'platform') {
    return [`x-vault.owner is ${facts.owner}, but its parent ${facts.parent} is the platform's`];
  }
  if (facts.owner !== 'customer') {
    const faults = facts.export === undefined ? [] : ['x-vault.export belongs to satellites of owner customer'];
    if (facts.owner === 'platform') return faults;
    if (facts.parent !== CUSTOMER_HUB) faults.push(`a person's satellite has the parent ${CUSTOMER_HUB}`);
    if (properties[SUBJECT_KEY]?.['x-type'] !== 'uuid') {
      faults.push(`a person's satellite has a uuid column ${SUBJECT_KEY}, which names the key that erasing destroys`);
    }
    return faults;
  }
  return exportFaults(facts, Object.keys(properties), files);
};

const exportFaults = (facts: VaultFacts, columns: readonly string[], files: Files): string[] => {
  if (facts.export === undefined) {
    return ['x-vault.export is missing: a satellite of owner customer says its section, title, purpose and states'];
  }
  const { section, title, purpose, states, omit = [] } = facts.export;
  const faults: string[] = [];
  if (!SECTION.test(section ?? '')) faults.push('x-vault.export.section must be a lower-case name');
  const others = [...files.values()].filter((file) => file['x-vault']?.export?.section === section);
  if (others.length > 1) faults.push(`x-vault.export.section ${section} is used twice`);
  if (!title) faults.push('x-vault.export.title is missing');
  if (!EXPORT_PURPOSES.includes(purpose)) {
    faults.push(`x-vault.export.purpose must be one of ${EXPORT_PURPOSES.join(', ')}`);
  }
  if (!STATES.includes(states)) faults.push(`x-vault.export.states must be one of ${STATES.join(', ')}`);
  for (const name of omit) {
    if (!columns.includes(name)) faults.push(`x-vault.export.omit names ${name}, which is no column`);
  }
  return faults;
};
