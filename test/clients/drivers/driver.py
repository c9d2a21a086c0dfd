"""The loop of a driver: a request a line, [operation, ...values]; an answer a line, {ok, value} or {ok, error}."""
import json
import sys
import traceback


def serve(driver_class):
    driver = None
    for line in sys.stdin:
        operation, *values = json.loads(line)
        try:
            if operation == 'open':
                driver = driver_class(**values[0])
                value = None
            else:
                value = getattr(driver, operation)(*values)
            answer = {'ok': True, 'value': value}
        except Exception:
            answer = {'ok': False, 'error': traceback.format_exc()}
        print(json.dumps(answer), flush=True)
