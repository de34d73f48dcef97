/** The README names every setting, command and finding that there is. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { FINDING_CODES } from '../../../src/shared/findings';

const readme = readFileSync('README.md', 'utf8');
const { configuration, commands } = JSON.parse(readFileSync('package.json', 'utf8')).contributes as {
  configuration: { properties: Record<string, unknown> };
  commands: { title: string }[];
};

describe('README', () => {
  it('names every setting', () => {
    const names = Object.keys(configuration.properties).map((name) => name.replace('asyncHealth.', ''));
    assert.deepEqual(
      names.filter((name) => !readme.includes(`\`${name}\``)),
      [],
    );
  });

  it('names every command', () => {
    assert.deepEqual(
      commands.map(({ title }) => title).filter((title) => !readme.includes(`*${title}*`)),
      [],
    );
  });

  it('names every finding', () => {
    assert.deepEqual(
      FINDING_CODES.filter((code) => !readme.includes(`| \`${code}\` |`)),
      [],
    );
  });
});
