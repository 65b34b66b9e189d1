<?php
/*
 * Places an order at the panel and follows it. PHP 7.4 or later with the curl extension.
 *
 *     SUTLER_API_KEY=... php order.php SERVICE LINK QUANTITY OWN_NUMBER
 *
 * OWN_NUMBER is your own number for the order. Whoever repeats it with the same order gets the first order again,
 * so that a repeat after a time-out never buys twice.
 */

define('API_URL', getenv('SUTLER_API_URL') ?: 'https://panel.example/api/v2');
define('API_KEY', getenv('SUTLER_API_KEY') ?: 'your API key');
define('LOOK_EVERY_SECONDS', (float) (getenv('LOOK_EVERY_SECONDS') ?: 5));
const LOOKS = 120;
const TRIES = 4;
const FINAL_STATUSES = ['Completed', 'Partial', 'Canceled'];

/** The panel said no; the message is its own. Nothing was placed and nothing was charged. */
class PanelError extends Exception {}

/** The panel did not answer, or was too busy. */
class NoAnswer extends Exception {}

/** Asks the panel and returns its answer. Throws PanelError if it says no, NoAnswer if it is silent. */
function ask(string $action, array $fields = []): array
{
    $retryAfter = 1;
    $call = curl_init(API_URL);
    curl_setopt_array($call, [
        CURLOPT_POSTFIELDS => http_build_query(['key' => API_KEY, 'action' => $action] + $fields),
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_CONNECTTIMEOUT => 5,
        CURLOPT_TIMEOUT => 30,
        CURLOPT_HEADERFUNCTION => function ($call, string $line) use (&$retryAfter): int {
            if (stripos($line, 'retry-after:') === 0) {
                $retryAfter = (int) trim(substr($line, 12));
            }
            return strlen($line);
        },
    ]);
    $body = curl_exec($call);
    $code = curl_getinfo($call, CURLINFO_RESPONSE_CODE);
    if ($code === 429 || $code === 503) {  // busy: the answer names the seconds to wait
        sleep($retryAfter);
    }
    $answer = $code === 200 ? json_decode($body, true) : null;
    if (!is_array($answer)) {
        throw new NoAnswer(curl_error($call) ?: "HTTP $code");
    }
    if (isset($answer['error'])) {
        throw new PanelError($answer['error']);
    }
    return $answer;
}

/** Asks again after a time-out or an overload. Only for questions that are safe to repeat. */
function askUntilAnswered(string $action, array $fields = []): array
{
    for ($try = 1; ; $try++) {
        try {
            return ask($action, $fields);
        } catch (NoAnswer $silence) {
            if ($try === TRIES) {
                throw $silence;
            }
            fwrite(STDERR, "no answer ({$silence->getMessage()}), asking again\n");
            sleep(1);
        }
    }
}

/** Looks at the order until it is finished. */
function follow(int $order): void
{
    for ($look = 0; $look < LOOKS; $look++) {
        $status = askUntilAnswered('status', ['order' => $order]);
        echo "Order $order: {$status['status']}, {$status['remains']} to go, {$status['charge']} {$status['currency']}\n";
        if (in_array($status['status'], FINAL_STATUSES, true)) {
            return;
        }
        usleep((int) (LOOK_EVERY_SECONDS * 1000000));
    }
    echo "Order $order takes longer; look again later\n";
}

/** Lists services, places the order, follows it, shows the balance. */
function main(array $arguments): void
{
    foreach (array_slice(askUntilAnswered('services'), 0, 5) as $service) {
        echo "Service {$service['service']}: {$service['name']}, {$service['type']}, {$service['rate']} per 1000\n";
    }
    if (count($arguments) !== 5) {
        fwrite(STDERR, "usage: order.php SERVICE LINK QUANTITY OWN_NUMBER\n");
        exit(1);
    }
    [, $service, $link, $quantity, $ownNumber] = $arguments;
    $placed = askUntilAnswered('add', [
        'service' => $service,
        'link' => $link,
        'quantity' => $quantity,
        'request_id' => $ownNumber,
    ]);
    echo "Placed order {$placed['order']}\n";
    follow($placed['order']);
    $balance = askUntilAnswered('balance');
    echo "Balance: {$balance['balance']} {$balance['currency']}\n";
}

try {
    main($argv);
} catch (PanelError $refusal) {
    fwrite(STDERR, "The panel says: {$refusal->getMessage()}\n");
    exit(1);
} catch (NoAnswer $silence) {
    fwrite(STDERR, "The panel does not answer: {$silence->getMessage()}\n");
    exit(1);
}
