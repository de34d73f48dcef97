/** The page of the "Async Health" panel. It knows `src/shared` only; everything else comes by messages. */
import './panel.css';
import './start';
import { registerControls } from './toolkit';
import './sections/app';

registerControls();
