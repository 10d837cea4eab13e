import type { Command, Option } from 'commander';
import { code, pageHead, table } from './markdown.ts';

const INTRO = `In a checkout and below an installed package, \`npx --no-install onevault COMMAND\`. Without a command it starts the product.
Commands take the same [settings](settings.md) as the product and work beside a running one or without it.`;

/** docs/reference/cli.md */
export const cliPage = (program: Command): string =>
  `${pageHead('src/cli/program.ts', 'Command line', INTRO)}${visible(program).flatMap(commandText).join('')}`;

const visible = (command: Command): readonly Command[] => command.createHelp().visibleCommands(command).filter(isOurs);

const isOurs = (command: Command): boolean => command.name() !== 'help';

const commandText = (command: Command): string[] => {
  const nested = visible(command);
  if (nested.length > 0) return nested.flatMap(commandText);
  const name = [...namesAbove(command), command.name()].join(' ');
  const parameters = [
    ...command.registeredArguments.map((each) => [code(`<${each.name()}>`), each.description, 'required']),
    ...command.createHelp().visibleOptions(command).filter(isDocumented).map(optionRow),
  ];
  const rows = parameters.length === 0 ? '' : `\n${table(['argument', 'meaning', 'default'], parameters)}`;
  return [`\n## onevault ${name}\n\n${sentence(command.description())}\n${rows}`];
};

const namesAbove = (command: Command): string[] => {
  const { parent } = command;
  return parent === null || parent.parent === null ? [] : [...namesAbove(parent), parent.name()];
};

const isDocumented = ({ long }: Option): boolean => long !== '--help';

const optionRow = ({ flags, description, mandatory, defaultValue }: Option): string[] => [
  code(flags),
  description,
  mandatory ? 'required' : defaultValue === undefined ? '' : code(String(defaultValue)),
];

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
