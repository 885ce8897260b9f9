import { hideKafkajsTimeoutWarning } from '../../ingest/index.ts';

/** Run by vitest in each process of the integration tests, before their files: what composition does for the product. */
hideKafkajsTimeoutWarning(process);
