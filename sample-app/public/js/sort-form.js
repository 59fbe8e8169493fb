import { post } from './api.js';
import { byId } from './dom.js';
import { onSubmit } from './form.js';
import { tell } from './toast.js';

export function enableSortForm() {
  onSubmit(byId('sort-form'), 'The job was refused', async ({ wait, ...values }) => {
    const body = {
      strings: values.words.split(/[\s,]+/).filter(Boolean),
      delayMs: Number(values.delayMs),
      priority: Number(values.priority),
      queue: values.queue,
      ...(values.delay === '' ? {} : { delay: Number(values.delay) }),
    };
    if (wait === 'yes') {
      const began = performance.now();
      const { id, sorted } = await post('sort/answer', body);
      const took = Math.round(performance.now() - began);
      tell(`Sorted: ${sorted.join(', ')}`, `Job #${id}, ${took} ms there and back.`);
    } else {
      const { job } = await post('sort', body);
      tell(`Job #${job.id} inserted`);
    }
  });
}
