import { instantOf } from '../../core/clock.ts';
import { readContactStates } from './contact-states.ts';
import type { PrivacyDeps } from './deps.ts';
import { EXPORT_RENDERERS, type ExportFormat } from './export-renderers.ts';
import { PERSONAL_DATA, queriedSections } from './export-sections.ts';
import { findSubject } from './subject.ts';

// Rows in memory at once; a row of calls takes about a kilobyte.
const BATCH_ROWS = 500;

/**
 * Writes all stored data of a subject (Art. 15 GDPR), as of one moment, in pieces: the next piece waits for `write`.
 * @throws OneVaultError not_found before anything is written; what `write` throws
 */
export const exportSubject = async (
  deps: PrivacyDeps,
  { subject, format }: { readonly subject: string; readonly format: ExportFormat },
  write: (text: string) => Promise<void>,
): Promise<void> => {
  const { sql, rows, clock, registry } = deps;
  await findSubject(sql, subject);
  const renderer = EXPORT_RENDERERS[format];
  const customer_hk = rows.hubKey('customer_h', { customer_bk: subject });
  const states = await readContactStates(deps, sql, subject);
  await sql.begin('isolation level repeatable read read only', async (tx) => {
    // The export may contain the calls of years.
    await tx`set local statement_timeout = 0`;
    await write(renderer.begin({ subject, made_at: instantOf(clock.now()) }));
    await write(renderer.beginSection(PERSONAL_DATA, true));
    if (states.length > 0) await write(renderer.rows(states as readonly object[] as Rows, true));
    await write(renderer.endSection());
    for (const section of queriedSections(registry)) {
      await write(renderer.beginSection(section, false));
      let is_first = true;
      for await (const batch of tx.unsafe<Rows>(section.text, [customer_hk]).cursor(BATCH_ROWS)) {
        await write(renderer.rows(batch as Rows, is_first));
        is_first = false;
      }
      await write(renderer.endSection());
    }
    await write(renderer.end());
  });
};

type Rows = Record<string, unknown>[];
