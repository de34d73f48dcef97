/** An `await` in the Debug Console that needs the loop of a paused program: offers to let the program run until it is done. */
import * as vscode from 'vscode';
import { KEPT_EVENT, type Log } from '../adapter';

const RESUME = 'Resume Until Done';

/** @throws Error when nothing waits for the program to go on */
export async function resumeUntilDone(session: vscode.DebugSession | undefined): Promise<void> {
  if (!session) throw new Error('No program is being debugged.');
  await session.customRequest('asyncHealth/resumeUntilDone');
}

export function registerKeptAwaits(context: vscode.ExtensionContext, log: Log): void {
  context.subscriptions.push(
    vscode.debug.onDidReceiveDebugSessionCustomEvent(({ session, event, body }) => {
      if (event !== KEPT_EVENT) return;
      const text = `"${body.expression}" needs the event loop, which stands while the program is paused.`;
      vscode.window
        .showInformationMessage(text, RESUME)
        .then((choice) => (choice === RESUME ? resumeUntilDone(session) : undefined))
        .then(undefined, (error) => log.error('The program could not be resumed until the await is done', error));
    }),
  );
}
