/** The one store of this page. */
import { PanelStore } from './store';

export const store = new PanelStore();
