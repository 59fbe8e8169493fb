import { post } from './api.js';
import { byId } from './dom.js';
import { onSubmit } from './form.js';
import { tell } from './toast.js';

export function enableSortForm() {
  onSubmit(byId('sort-form'), 'The job was refused', async (values) => {
    const { job } = await post('sort', {
      strings: values.words.split(/[\s,]+/).filter(Boolean),
      delayMs: Number(values.delayMs),
      priority: Number(values.priority),
      queue: values.queue,
      ...(values.delay === '' ? {} : { delay: Number(values.delay) }),
    });
    tell(`Job #${job.id} inserted`);
  });
}
