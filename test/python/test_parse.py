"""The probe parses sources in its own thread while the program parses in another, as pytest does when it imports."""


def test_beside_a_program_that_parses(probe_program):
    recording = probe_program(
        """
        import ast, gc, sys, threading, time
        from async_health import _ah_parse

        text = "\\n".join("def f%d(a, b=(1, 2, [3, 4])):\\n    return [a + b for a in range(%d)]" % (n, n) for n in range(300))
        gc.set_threshold(50)
        failed = []

        def of_probe():
            try:
                while running:
                    _ah_parse.parse("def g(x):\\n    return x * 2")
            except SystemError as error:
                failed.append("probe: %s" % error)

        running = True
        thread = threading.Thread(target=of_probe)
        thread.start()
        try:
            for _ in range(30):
                ast.parse(text)
        except SystemError as error:
            failed.append("program: %s" % error)
        running = False
        thread.join()
        import json
        print(json.dumps([failed, gc.isenabled()]))
        """
    )
    assert recording.printed() == [[[], True]]
