/** One thing that is wrong with a dbt project: `file` is relative to the project folder, `line` starts at 1. */
export interface Fault {
  readonly file: string;
  readonly line: number | null;
  readonly message: string;
}

/** A dbt project that cannot be run. `faults` lists everything that is wrong with it. */
export class DbtProjectError extends Error {
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super(
      `the dbt project has ${faults.length} fault${faults.length === 1 ? '' : 's'}:\n${faults.map(faultText).join('\n')}`,
    );
    this.name = 'DbtProjectError';
    this.faults = faults;
  }
}

/** A template that cannot be read or rendered, at a line (from 1) of its file where that is known. */
export class TemplateError extends Error {
  readonly line: number | null;

  constructor(message: string, line: number | null, cause?: unknown) {
    super(message, { cause });
    this.name = 'TemplateError';
    this.line = line;
  }
}

/** `file:line: message`, as compilers write it. */
export const faultText = ({ file, line, message }: Fault): string =>
  `${file}${line === null ? '' : `:${line}`}: ${message}`;

/** The text of anything that was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
