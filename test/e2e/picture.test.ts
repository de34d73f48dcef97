/** The picture in the README: what a user sees at a stop in the sample. Copy test/e2e/screenshots/readme.png to media/screenshot.png to renew it. */
import { PATIENCE_MS, Workbench } from './workbench';

describe('the picture for the README', () => {
  let workbench: Workbench;
  before(async () => {
    workbench = await Workbench.open({
      from: 'test/samples',
      size: { width: 1600, height: 960 },
      settings: {
        'workbench.colorTheme': 'Default Dark Modern',
        'editor.minimap.enabled': false,
        'debug.internalConsoleOptions': 'neverOpen',
      },
      configurations: [{ name: 'Order service', program: '${workspaceFolder}/order_service.py', args: ['--seconds', '60'] }],
    });
  });
  after(() => workbench.close());

  it('shows tasks in Call Stack, findings in the view, in the editor and in the panel', async () => {
    await workbench.openFile('order_service.py');
    await workbench.showRunAndDebug();
    await workbench.page.keyboard.press('F5');
    await workbench.command('Async Health: Show Async Health');
    await workbench.panel.getByText('cross-task-exit').first().waitFor({ timeout: PATIENCE_MS });
    await workbench.panel.getByText('lock-deadlock').first().waitFor({ timeout: PATIENCE_MS });
    await workbench.section('Async Health').getByText('lock-deadlock').first().waitFor({ timeout: PATIENCE_MS });
    await workbench.page.getByRole('button', { name: /Pause/ }).first().click();
    await workbench
      .section('Call Stack')
      .getByText(/awaits/)
      .first()
      .waitFor({ timeout: PATIENCE_MS });
    for (const title of ['Watch', 'Breakpoints']) await workbench.fold(title);
    await workbench.panel.getByText('order_service.py:33', { exact: true }).first().click();
    await workbench.atLine(33);
    await workbench.screenshot('readme');
  });
});
