import { noChange } from 'lit';
import { Directive, directive, type ElementPart } from 'lit/directive.js';

type Vars = Record<string, string>;

class VarsDirective extends Directive {
  private last: Vars = {};

  render(_vars: Vars): typeof noChange {
    return noChange;
  }

  override update(part: ElementPart, [vars]: [Vars]): typeof noChange {
    const { style } = part.element as HTMLElement;
    for (const [name, value] of Object.entries(vars)) {
      if (this.last[name] !== value) style.setProperty(name, value);
    }
    this.last = vars;
    return noChange;
  }
}

/**
 * Sets style properties through the CSSOM. A `style="…"` attribute, and with it Lit's own `styleMap`, is refused by the
 * page's Content-Security-Policy.
 */
export const vars = directive(VarsDirective);
