import { enableBatchForm } from './batch-form.js';
import { showJobs } from './jobs-table.js';
import { watch } from './live.js';
import { enableOrderForm } from './order-form.js';
import { enableReportForm } from './report-form.js';
import { enableSortForm } from './sort-form.js';
import { showStream } from './stream.js';
import { showWorker } from './worker.js';

showStream();
showWorker();
showJobs();
enableSortForm();
enableOrderForm();
enableBatchForm();
enableReportForm();
watch();
