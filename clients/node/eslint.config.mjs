import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'src/generated/'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      // A number that a newer gateway sends is a value here: that it survives is the point.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      'max-lines': ['error', 500],
      'max-lines-per-function': ['error', 70],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // A promise that a test only begins is what the test is about.
      '@typescript-eslint/no-floating-promises': ['error', { allowForKnownSafeCalls: [{ from: 'package', name: ['test', 'describe', 'it'], package: 'node:test' }] }],
      'max-lines-per-function': 'off',
    },
  },
  { files: ['**/*.mjs'], languageOptions: { globals: { URL: 'readonly' } } },
);
