import { post } from './api.js';
import { byId } from './dom.js';
import { onSubmit } from './form.js';
import { tell } from './toast.js';

export function enableReportForm() {
  const form = byId('report-form');
  form.elements.day.value = new Date().toISOString().slice(0, 10);
  onSubmit(form, 'The report was refused', async ({ day }) => {
    const { job, uniqueSkippedAsDuplicated } = await post('reports/daily', { day });
    if (uniqueSkippedAsDuplicated) {
      tell('Skipped as a duplicate', `Job #${job.id} is the report of that day already.`);
    } else {
      tell(`Job #${job.id} inserted`, `The report of ${day}.`);
    }
  });
}
