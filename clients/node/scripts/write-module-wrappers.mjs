// Writes the ES modules beside the CommonJS ones. They hand on what those hold, so that a program
// that uses both has one copy: an error of either is an instance of the other's class.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { exports } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

for (const entry of Object.values(exports)) {
  if (typeof entry === 'string') continue;
  const file = new URL(`../${entry.import.default}`, import.meta.url);
  const name = file.pathname.replace(/^.*\//, '').replace(/\.mjs$/, '');
  const names = Object.keys(require(`../${entry.require.default}`)).filter((key) => key !== '__esModule');
  const lines = [
    `import whole from './${name}.js';`,
    `export const { ${names.sort().join(', ')} } = whole;`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  writeFileSync(new URL(`${name}.d.mts`, file), `export * from './${name}.js';\n`);
}
