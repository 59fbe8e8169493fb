import { refresh } from './live.js';
import { tellError } from './toast.js';

/**
 * Runs `submit(values, button)` when the form is sent, one at a time, and shows what went wrong.
 * The job table is read again at once, not only at the next beat.
 */
export function onSubmit(form, failed, submit) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const buttons = form.querySelectorAll('button');
    const values = Object.fromEntries(new FormData(form, event.submitter));
    buttons.forEach((button) => (button.disabled = true));
    try {
      await submit(values);
    } catch (error) {
      tellError(failed, error);
    } finally {
      buttons.forEach((button) => (button.disabled = false));
      event.submitter?.focus({ preventScroll: true });
      refresh();
    }
  });
}
