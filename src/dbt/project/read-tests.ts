import { basename, dirname } from 'node:path';
import { type Fault, messageOf } from '../faults.ts';
import { readTemplate } from '../template/template.ts';
import { defineTest, singularTestConfig, type TestDefinition, testHash } from './generic-tests.ts';
import { listFiles } from './list-files.ts';
import { lineOfCall, macrosCalled } from './probe.ts';
import type { Properties, RawDescribed, RawTest } from './properties.ts';
import { probeTemplate, type ReadInput, readAndProbe } from './read-models.ts';
import { sourceId } from './read-sources.ts';
import type { DataTest } from './types.ts';

/** A test before its references are resolved. */
export type UnresolvedTest = Omit<DataTest, 'depends_on'>;

/** A described item of a properties file, with its place there. */
interface Subject {
  readonly described: RawDescribed;
  readonly relation: string;
  readonly name: string;
  readonly attached_to: string;
  readonly is_source: boolean;
  readonly at: readonly (string | number)[];
}

/** Every test of a project by unique id, the disabled ones too. */
export const readTests = (input: ReadInput): Map<string, UnresolvedTest> => {
  const tests = new Map<string, UnresolvedTest>();
  for (const { test, fault } of [...genericTests(input), ...singularTests(input)]) {
    if (tests.has(test.unique_id)) {
      input.faults.push({ ...fault, message: `the test "${test.name}" is there twice` });
    }
    tests.set(test.unique_id, test);
  }
  return tests;
};

interface TestWithPlace {
  readonly test: UnresolvedTest;
  readonly fault: Omit<Fault, 'message'>;
}

const singularTests = (input: ReadInput): TestWithPlace[] =>
  listFiles(input.project_dir, input.project.test_paths, ['.sql']).flatMap((path): TestWithPlace[] => {
    const name = basename(path.path, '.sql');
    const probed = readAndProbe(input, path, name);
    if (probed === null) return [];
    const { template, refs, sources, config } = probed;
    const fault = { file: path.file, line: lineOfCall(template, 'config') };
    const checked = attempt(input.faults, fault, () => singularTestConfig(name, config));
    if (checked === null) return [];
    const folders = dirname(path.path)
      .split('/')
      .filter((part) => part !== '.');
    const test: UnresolvedTest = {
      resource_type: 'test',
      unique_id: `test.${input.project.name}.${name}`,
      name,
      path: path.path,
      original_file_path: path.file,
      fqn: [input.project.name, ...folders, name],
      description: '',
      template,
      macros: macrosCalled(template, input.macro_names),
      refs,
      sources,
      config: checked,
      config_call: config,
      generic: null,
    };
    return [{ test, fault }];
  });

const genericTests = (input: ReadInput): TestWithPlace[] =>
  input.properties.flatMap((file) =>
    subjectsOf(input.project.name, file).flatMap((subject) =>
      writtenTests(subject, input.faults, file).flatMap(({ raw, column, at }) => {
        const fault = { file: file.yaml.file, line: file.yaml.lineOf(at) };
        const definition = attempt(input.faults, fault, () =>
          defineTest({
            raw,
            column,
            relation: subject.relation,
            subject: subject.name,
            is_source: subject.is_source,
          }),
        );
        const test = definition === null ? null : genericTest(input, subject, definition, fault);
        return test === null ? [] : [{ test, fault }];
      }),
    ),
  );

const genericTest = (
  input: ReadInput,
  subject: Subject,
  definition: TestDefinition,
  fault: Omit<Fault, 'message'>,
): UnresolvedTest | null => {
  const { name, config, description, test, column } = definition;
  const before = input.faults.length;
  const template = attempt(input.faults, fault, () => readTemplate(definition.source));
  const probed = template === null ? null : probeTemplate(input, template, fault.file, name);
  // Lines inside the generated template mean nothing to its writer: the line of the test does.
  for (let at = before; at < input.faults.length; at++) input.faults[at] = { ...input.faults[at]!, line: fault.line };
  if (probed === null) return null;
  return {
    resource_type: 'test',
    unique_id: `test.${input.project.name}.${name}.${testHash(definition)}`,
    name,
    path: `${name}.sql`,
    original_file_path: fault.file,
    fqn: [input.project.name, ...dirname(fault.file).split('/').slice(1), name],
    description,
    template: probed.template,
    macros: macrosCalled(probed.template, input.macro_names),
    refs: probed.refs,
    sources: probed.sources,
    config,
    config_call: probed.config,
    generic: { test, column, arguments: definition.arguments, attached_to: subject.attached_to },
  };
};

const subjectsOf = (project: string, { models, sources }: Properties): Subject[] => [
  ...models.map((described, at) => ({
    described,
    relation: `{{ ref('${described.name}') }}`,
    name: described.name,
    attached_to: `model.${project}.${described.name}`,
    is_source: false,
    at: ['models', at],
  })),
  ...sources.flatMap((source, at) =>
    (source.tables ?? []).map((described, position) => ({
      described,
      relation: `{{ source('${source.name}', '${described.name}') }}`,
      name: `${source.name}_${described.name}`,
      attached_to: sourceId(project, source.name, described.name),
      is_source: true,
      at: ['sources', at, 'tables', position],
    })),
  ),
];

interface Written {
  readonly raw: RawTest;
  readonly column: { name: string; quote: boolean } | null;
  readonly at: readonly (string | number)[];
}

const writtenTests = ({ described, at }: Subject, faults: Fault[], { yaml }: Properties): Written[] => {
  const columns = (described.columns ?? []).map((column, position) => ({
    holder: column as Pick<RawDescribed, 'tests' | 'data_tests'>,
    column: { name: column.name, quote: column.quote ?? false },
    path: [...at, 'columns', position],
  }));
  return [{ holder: described, column: null, path: at }, ...columns].flatMap(({ holder, column, path }) => {
    if (holder.tests !== undefined && holder.data_tests !== undefined) {
      faults.push({
        file: yaml.file,
        line: yaml.lineOf(path),
        message: '"tests" and "data_tests" are the same: use one',
      });
    }
    const key = holder.data_tests === undefined ? 'tests' : 'data_tests';
    return (holder[key] ?? []).map((raw, position) => ({ raw, column, at: [...path, key, position] }));
  });
};

const attempt = <T>(faults: Fault[], fault: Omit<Fault, 'message'>, run: () => T): T | null => {
  try {
    return run();
  } catch (error) {
    faults.push({ ...fault, message: messageOf(error) });
    return null;
  }
};
