<?php
/* A front for Horde's Autodiscover: its library reads the request and writes the answer; here are
 * who may log in, and the facts. Run by `php -S`, steered by HORDE_* of the environment. */

spl_autoload_register(function (string $class): void {
	$file = '/usr/share/php/' . str_replace('_', '/', $class) . '.php';
	if (is_file($file))
		require_once $file;
});

/* Horde keeps the state of ActiveSync devices in SQL; Autodiscover needs none. */
class No_State extends Horde_ActiveSync_State_Sql
{
	public function __construct()
	{
		$this->_logger = new Horde_ActiveSync_Log_Logger(new Horde_Log_Handler_Null());
	}
}

class Facts extends Horde_ActiveSync_Driver_Mock
{
	public function authenticate($username, $password, $domain = null)
	{
		return $username === getenv('HORDE_USER') && $password === getenv('HORDE_PASSWORD');
	}

	public function setup($user)
	{
		return true;
	}

	public function clearAuthentication()
	{
		return true;
	}

	public function getUsernameFromEmail($email)
	{
		return $email;
	}

	/* Version 1 is told the schemas; version 2 asks for one protocol. */
	public function autoDiscover($params = array(), $version = 1)
	{
		$host = getenv('HORDE_HOST');
		if ($version === 2)
			return array('url' => "https://$host/Microsoft-Server-ActiveSync");
		return $params + array(
			'culture' => 'en:en',
			'display_name' => 'Ana of Horde',
			'email' => getenv('HORDE_USER'),
			'username' => getenv('HORDE_USER'),
			'url' => "https://$host/Microsoft-Server-ActiveSync",
			'imap' => array('host' => "imap.$host", 'port' => 993, 'encryption' => 'SSL'),
			'smtp' => array('host' => "smtp.$host", 'port' => 587, 'encryption' => 'TLS',
			    'popauth' => false),
		);
	}
}

/* Horde's application framework has it, which is not needed otherwise. */
if (!class_exists('Horde_Exception_AuthenticationFailure')) {
	class Horde_Exception_AuthenticationFailure extends Horde_Exception
	{
	}
}

error_reporting(E_ERROR);
$out = fopen('php://memory', 'w+');
$server = new Horde_ActiveSync(
	new Facts(array('state' => new No_State(), 'connector' => null, 'imap' => null)),
	new Horde_ActiveSync_Wbxml_Decoder(fopen('php://input', 'r')),
	new Horde_ActiveSync_Wbxml_Encoder($out),
	new No_State(),
	new Horde_Controller_Request_Http()
);
try {
	header('Content-Type: ' . $server->handleRequest('Autodiscover', null));
	rewind($out);
	fpassthru($out);
} catch (Horde_Exception_AuthenticationFailure $e) {
	header('WWW-Authenticate: Basic realm="Horde"');
	http_response_code(401);
}
