import { post } from './api.js';
import { byId } from './dom.js';
import { onSubmit } from './form.js';
import { tell } from './toast.js';

const ANIMALS = ['whale', 'tiger', 'bear', 'otter', 'heron', 'newt', 'pike', 'swan', 'beaver'];

export function enableBatchForm() {
  onSubmit(byId('batch-form'), 'The batch was refused', async ({ count }) => {
    const jobs = Array.from({ length: Number(count) }, (_, index) => ({ strings: words(index) }));
    const began = performance.now();
    const { inserted } = await post('sort/batch', { jobs });
    tell(
      `${inserted} jobs inserted`,
      `in ${Math.round(performance.now() - began)} ms, all or none.`,
    );
  });
}

/** Three animals, others for every job. */
function words(index) {
  return [0, 4, 7].map((step) => ANIMALS[(index + step * (1 + (index % 3))) % ANIMALS.length]);
}
